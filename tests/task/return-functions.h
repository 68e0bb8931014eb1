/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that return descriptors and transports, for processes and for threads. Arguments and results are behind
 * each name.
 *
 *   return-texts         as -> ah: a file in memory of each text
 *   send-text            s -> nothing: the same as a message of the type "file"
 *   yield-texts          as -> nothing: the same as yielded values
 *   return-and-die       s -> nothing: the same as send-text, and dies
 *   return-once-killed   (ss) -> h: a file of the first text; but where there is no file of that path, makes it and
 * dies return-until-refused () -> (us): how many descriptors it has returned, and why no more return-late          ()
 * -> nothing: waits for a cancel, and fails as a return does then return-path          s -> h: the file of that path,
 * opened for reading return-closed        () -> h: a descriptor that is not open return-by-force      (su) -> nothing:
 * breaks the rules of the port in that way, so often serve                () -> h: a transport to a server that
 * doubles numbers, which lives on return-deaf          () -> h: a socket, and the other end is not read make-blocking
 * ()
 * -> nothing: makes the application's end of that socket block stop-serving         () -> nothing: drops what the last
 * two keep */

#pragma once

void return_functions_register (void);
