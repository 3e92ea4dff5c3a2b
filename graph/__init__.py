"""The face of the data: types, their documentation and their guards; values come from resolvers."""
