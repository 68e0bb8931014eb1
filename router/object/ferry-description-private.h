/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The description of an interface, which is sent from the exporter to proxies.
 *
 * Threads: any.
 * Trust:   a received description is hostile until its form, names, types and numbers are checked. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The fields of a description: the interface's name; methods: name, arguments, results; properties: name, type
 * (empty for an object), access; signals: name, arguments. Arguments and results are the types of tuples. */
#define FERRY_DESCRIPTION_TYPE "(sa(sss)a(ssu)a(ss))"
/* The most members of a kind that an interface or a description has. */
#define FERRY_DESCRIPTION_MAX_MEMBERS 1024

/* Returns (transfer full): the description in GIO's form. Fails with FERRY_ERROR_PROTOCOL. */
GDBusInterfaceInfo *ferry_description_to_info (GVariant *description, GError **error);

G_END_DECLS
