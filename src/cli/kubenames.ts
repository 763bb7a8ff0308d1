import { InvalidArgumentError } from 'commander';

/** Of a namespace, which is a label of DNS (RFC 1123); other objects have several with dots between them. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LONGEST_LABEL = 63;
/** A Lease of a shard has its number behind the name. */
const LONGEST_NAME = 240;

/** For commander: throws InvalidArgumentError for what no namespace can be called. */
export function parseNamespace(text: string): string {
  if (LABEL.test(text) && text.length <= LONGEST_LABEL) return text;
  throw new InvalidArgumentError(
    `write the name of one namespace: lower-case letters, digits and "-", ${LONGEST_LABEL} at most, such as shop.`,
  );
}

/** The same for the name of an object. */
export function parseObjectName(text: string): string {
  if (text.split('.').every((label) => LABEL.test(label)) && text.length <= LONGEST_NAME)
    return text;
  throw new InvalidArgumentError(
    `write the name of an object: lower-case letters, digits, "-" and ".", ${LONGEST_NAME} at most, such as rightsize.`,
  );
}
