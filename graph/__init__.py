"""The face of the data: the schema's types, directives and errors."""
