"""Standard forms: what each kind of value looks like, for every column that params/rules/standardize.yml names."""
