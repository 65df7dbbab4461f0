"""What does not have to hold, each with its reason. Nothing else is let off. Metrics that are on no board and in no rule are in
`dashboards/left-out.yaml`."""

# Labels that a query may use without a series that has it.
LABELS = {
    "cluster": "a user's own external label, where one Prometheus has several clusters",
}

# Selectors that may find nothing although all is said and done, by their text.
SELECTORS = {}
