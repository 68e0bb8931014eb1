/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that were received, and are closed with their array. For tests and fuzzers. */

#pragma once

#include <glib.h>
#include <unistd.h>

static inline void
descriptor_array_close (gpointer element)
{
  close (*(int *) element);
}

/* (element-type int) (owned elements) */
static inline GArray *
descriptor_array_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (int));

  g_array_set_clear_func (self, descriptor_array_close);
  return self;
}
