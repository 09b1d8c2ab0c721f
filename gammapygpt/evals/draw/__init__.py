"""Fresh tasks on simulated data with known truth, drawn from a seed: nobody has seen them before."""
