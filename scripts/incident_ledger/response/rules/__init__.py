"""The rules of the planner: each a function of the state and the policy, in the order in which they apply."""
