"""Why a request was refused, found by trying what usually goes wrong; for the operator, never the caller."""
