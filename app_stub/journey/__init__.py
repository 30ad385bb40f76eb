"""The loan journey, one module for each step: admission, assessment, grant, money, warnings, queries."""
