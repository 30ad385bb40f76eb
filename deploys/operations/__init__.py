"""Operations: commands for a difference, or the reason why there is none."""
