/** What others see as read only, for who fills it: one object is written over, where thousands would be made. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
