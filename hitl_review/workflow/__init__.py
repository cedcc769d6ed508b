"""The verbs of the loop: one step is one transaction, one timestamp, and its audit event.

    1  a case arrives                       intake.receive_cases
    2  the champion judges it               scoring.score_cases
    3  it is handed to a reader             review.next_case, review.open_case
    4  the reader commits an own estimate   review.commit_read
       then sees the model                  revealing.reveal
    5  and accepts, overrides or defers     deciding.record_decision
    6  the past is checked                  auditing.verify, replaying.replay
       and anchored outside                 checkpointing.publish_checkpoint, bundling.export_bundle
    7  a model is trained                   retraining.train_champion
    8  and put in use by a person           promotion.promote
    9  data leave, logged                   exporting.export

`workspace` opens what all of them work on, `presenting` turns values into what stands on a screen,
`demo` makes the SUPPORT2 workspace. The doors (command line, pages) call these and hold no rules.
"""
