/** What conditions and policy variables ask of a request. */

/**
 * The values of a condition key in a request; undefined when it has none.
 *
 * Lazy: nothing is computed unless a policy asks. The key comes in lower case, since its letters' case does not matter.
 */
export type ConditionContext = (key: string) => readonly string[] | undefined;
