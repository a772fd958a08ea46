"""Feedback of the record: where it acts, with which law, and which state the closed loop holds. Section 9."""
