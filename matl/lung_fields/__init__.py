"""How the lung field of an axial slice is found, in four steps that each know one thing.

`search` finds the air of both lungs, `cage` fits the rib cage around them, `walls` adds dense
lung within it, `posture` says which way the patient lies.
"""
