"""Results out, for people: every function here renders a document or an array, none computes or judges."""
