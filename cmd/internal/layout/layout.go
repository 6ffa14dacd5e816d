// Package layout holds no code: its tests read the whole tree and fail when an import, a file or a call stands where
// ARCHITECTURE.md says it may not.
package layout
