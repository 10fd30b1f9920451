"""Demo people, projects and runs, trained there and then."""
