"""`hooks up`: everything on one machine, embedded, supervised."""
