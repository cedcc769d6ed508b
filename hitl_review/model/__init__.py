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
"""
