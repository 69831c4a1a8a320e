"""Everything a person looks at: pictures, page, plots, terminal. Imports `tracer`, never the reverse."""
