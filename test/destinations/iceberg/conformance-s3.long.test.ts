/** All cases on a server that speaks S3, but those that take minutes there. */
import { testOnS3 } from './conformance-s3.ts';

testOnS3('usual');
