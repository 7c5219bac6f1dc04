"""Whether the log agrees with itself: what strands an event, what makes its story untrue, and the cure."""
