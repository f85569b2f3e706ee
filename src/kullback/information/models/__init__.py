"""Information of models: in closed form, by quadrature or sums over outcomes, or by simulation."""
