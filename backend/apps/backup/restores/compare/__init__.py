"""Compare what a restore replaces with the backup that was made of it before."""
