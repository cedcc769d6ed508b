"""The verbs of a reader study: one step is one transaction, one timestamp, and its audit event.

1  a protocol is drafted                drafting.draft_study
2  and frozen: lists, outputs, truth    freezing.freeze_study
3  readers are let in                   leading.start_study
4  a case is opened, read, revealed     reading.next_item, open_item, commit_read, reveal_item
5  the study is locked, then unsealed   leading.lock_study, unsealing.unseal_study
6  its reads are analysed               analysing.analysis_reads
7  reported, and exported               reporting.deliver_report, export_study
"""
