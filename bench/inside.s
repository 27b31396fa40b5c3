// This file lets functions be declared without a body, as those of inside.go are.
