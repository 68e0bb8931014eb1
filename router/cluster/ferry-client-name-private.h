/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name of a client. Any thread, one at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;    /* (owned) (nullable): a token */
  guint64 start; /* later ones of the same name are larger */
  int socket;    /* has the name; -1: the name is nobody else's, and does not come back */
} FerryClientName;

/* For one that is all zero, or was released. id: of the cluster's bus, which is the name where the system has none. */
void ferry_client_name_take (FerryClientName *self, const char *application, const char *user, const char *id);
void ferry_client_name_release (FerryClientName *self);

G_END_DECLS
