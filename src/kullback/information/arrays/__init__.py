"""Entropies and divergences of arrays of probabilities or logits: pure functions, no model.

NumPy arrays and lists give NumPy (a Python float where the result is one number), computed in
float64. JAX arrays give JAX arrays of their own precision (halves are computed in float32), and
every function may be used under ``jit``, ``vmap`` and ``grad``, where only shapes are checked.

The conventions for values and derivatives (formulas as in Cover & Thomas 2006, chapter 2):

- ``0 log 0`` is 0 exactly, and so is its derivative where p = 0. The slope of −p log p is +inf
  there, but a differentiable p(θ) ≥ 0 that touches 0 has p'(θ) = 0, and the product
  p'(θ) log p(θ) has the limit 0 (as for p = softmax(θ) where a probability vanishes).
- Where p > 0 and q = 0 the value is +inf. Such a symbol adds 0 to the derivative.
- D(p‖q) is summed as Σ p log(p/q) − p + q, whose terms are all ≥ 0. Where p and q sum to one only
  up to rounding, the relative error of D is that of their sums, while Σ p log(p/q) has their
  absolute error and may be negative. Off the simplex it is Csiszár's I-divergence, so that the
  derivatives are log(p/q) and 1 − p/q, and vanish at p = q.

JAX treats subnormal numbers (below 2.2e-308, in float32 1.2e-38) as 0.
"""
