/** The API group of every kind that is defined here. */
export const GROUP = 'rightsize.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Name of the server-side-apply owner of everything that the operator writes. */
export const FIELD_MANAGER = 'rightsize';

/** Owner of what is stated in pod templates, apart from all else, so that it can be given back as a whole. */
export const TEMPLATE_FIELD_MANAGER = 'rightsize-template';

/** Label of a Recommendation that takes part in sizing new pods; docs/admission.md. */
export const ADMISSION_LABEL = 'rightsize.dev/admission';
export const ADMISSION_ACTIVE = 'active';

/** Where a kind lives: `/apis/rightsize.dev/v1alpha1/<plural>`. */
export const PLURALS = {
  RightsizePolicy: 'rightsizepolicies',
  ClusterRightsizePolicy: 'clusterrightsizepolicies',
  Recommendation: 'recommendations',
} as const;
