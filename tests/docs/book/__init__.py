"""The pages of docs/ as programs: what they tell to do, done, and what they say of the program, compared with it."""
