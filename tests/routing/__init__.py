"""Tests of routing: what is promised of embeddings, taggers, profiles, constraints, recruiters and decisions."""
