"""XGBoost and SHAP: arrays and domain values in, arrays and domain values out; no database, no clock.

Read in this order:

    features      the stored list of columns, and rows of a case made into a matrix by it
    presets       how hard to fit, by the number of rows
    training      a model fitted from scratch, calibrated and conformed on out-of-fold margins
    calibration   margins to probabilities, if that helps
    uncertainty   which classes a case can't be told from
    familiarity   what the model was trained on, and what lies outside it
    artifacts     one model = one string of bytes = one digest
    scoring       margins, probabilities, verdicts
    explaining    exact contributions that add up to the margin
    evaluation    measures with intervals
    global_plots  pictures of many explanations; the only file that imports shap, and only when asked

and, for what is learned from decisions:

    candidates      recalibrated, held to directions, refitted: the models of one training run, and which is chosen
    tuning          a search for how hard to fit; the only file that imports Optuna, and only when asked
    gating          a challenger against the champion, by criteria fixed beforehand; gate_curves has the points
    routing         the order of the queue, and what may pass without a reader
    drift           have the cases changed? override_cusum: have the readers' answers?
    blind_slice     how good the model is in use, from the random part read blind
    label_quality   labels and readers worth a second look
    simulating      the whole loop played on labelled cases: what would n reviews buy?
"""
