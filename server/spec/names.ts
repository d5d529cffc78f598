/** The agent renames a container to its name and this while it replaces it. */
export const PREVIOUS_SUFFIX = '.graphium-previous';
