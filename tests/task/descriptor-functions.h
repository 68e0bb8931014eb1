/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that use what their tasks were given, for processes and for threads. Arguments and results are behind each
 * name.
 *
 *   read-handle        h -> s: all that is in the file, from its beginning
 *   read-handles       ah -> s: the same of each, one after the other
 *   read-once-killed   (hs) -> s: the same as read-handle; but where there is no file of that path, makes it and dies
 *   read-bytes         h -> s: the bytes, as text
 *   keep-bytes         h -> nothing: keeps the bytes
 *   read-kept-bytes    () -> s: those, as text
 *   yield-handles      ah -> nothing: yields the text of each
 *   report-handle      h -> s: the same as read-handle, with a report on the way
 *   step-handle        h -> s: the same with a step
 *   write-to-bytes     h -> s: how each way of changing the bytes fails
 *   is-open            h -> b: whether there is a descriptor
 *   open-path          s -> nothing: opens a file by its name
 *   count-open         () -> u: how many descriptors this process has open
 *   limit-open         u -> nothing: from now on it may have so many */

#pragma once

void descriptor_functions_register (void);
