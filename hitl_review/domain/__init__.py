"""The nouns of the product, and the rules about one or two of them.

Frozen dataclasses and pure functions, no input or output: `case`, `prediction`, `screen`,
`decision`, `audit`, `registry`, `account`. Only the standard library and RFC 8785's canonical JSON.
"""
