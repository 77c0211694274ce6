"""Plan restores: their effects and their obstacles. A plan changes nothing."""
