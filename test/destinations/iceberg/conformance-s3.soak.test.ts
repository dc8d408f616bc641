/** On a server that speaks S3: killed, and failing, at every step; a thousand loads. */
import { testOnS3 } from './conformance-s3.ts';

testOnS3('lengthy');
