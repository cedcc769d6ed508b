"""The report of a reader study: from a record of reads and a plan to HTML, JSON and files for other programs.

    record      Record: every read, one row each, with what was shown and how long it took
    plan        Plan: what the protocol says, to be printed beside what was found
    findings    the analyses, each with its numbers or the reason why there are none
    document    sections, tables, charts: what a report is made of, before it is HTML or JSON
    charts      ROC curves, forest plot, reliance, calibration, trend as inline SVG
    opening, results, conduct, closing     the sections, in the order of a paper
    checklists  where STARD-AI, DECIDE-AI and CONSORT-AI are answered
    page        the document as one HTML file that needs nothing else and prints well
    exports     the same reads for iMRMC and MRMCaov, with a script

It needs no workspace: any table of reads will do.
"""

from __future__ import annotations
