/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that return buffers, for processes and for threads. Arguments and results are behind each name. Byte i of a
 * result is i modulo 251.
 *
 *   fill              t -> ay: so many bytes
 *   fill-less         (tt) -> ay: makes a buffer of the first size, and returns the second
 *   fill-twice        t -> ay: returns a buffer of one byte first, and then so many bytes
 *   fill-and-value    t -> ay: returns a buffer, and the value of the byte 7
 *   fill-and-fail     t -> ay: returns a buffer, and fails with FERRY_ERROR_REFUSED
 *   drop              t -> nothing: makes 1,000 buffers of so many bytes, and returns none
 *   fill-wrongly      t -> s: the same as fill
 *   scribble          y -> nothing: writes this byte to the beginning of the buffer that was returned last */

#pragma once

void buffer_functions_register (void);
