check-build:
