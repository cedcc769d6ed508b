"""Reader studies in SQLite: `steps` (protocols and states), `lists` (who reads what), `reads`, and apart, `sealed`."""
