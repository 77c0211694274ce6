"""What tests of the engine, and of anything built on it, need: a contract suite, tree literals, broken repositories."""
