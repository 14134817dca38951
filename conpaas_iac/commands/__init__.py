"""One verb a file: parse, call one use case, print one result, return an exit code."""
