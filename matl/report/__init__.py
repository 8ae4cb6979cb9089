"""What a run and an ablation leave: tables, figures, pages."""
