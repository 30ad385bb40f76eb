"""Operations: commands for a difference, and a reason where there is none."""
