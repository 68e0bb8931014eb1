/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The description of an interface as it goes from one end to the other, and what is made of one that came.
 *
 * Threads: any.
 * Trust:   a description that came is hostile until all of it was looked at: its form, names, types and numbers. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What the other end is told of the interface, and what it makes of that: its name; methods: name, arguments, results;
 * properties: name, type (empty for an object), access; signals: name, arguments; FerryContainerFlags. Arguments have a
 * name, which may be empty, and a type. */
#define FERRY_DESCRIPTION_TYPE "(sa(sa(ss)a(ss))a(ssu)a(sa(ss))u)"
/* Descriptions keep it, and so do interfaces: one within it is one that the other end takes. */
#define FERRY_DESCRIPTION_MAX_MEMBERS 1024 /* of a kind */

/* What a description says of a container: the operations that it offers. */
typedef enum
{
  FERRY_CONTAINER_GET_ITEM = 1 << 0,
  FERRY_CONTAINER_SET_ITEM = 1 << 1,
  FERRY_CONTAINER_DELETE_ITEM = 1 << 2,
  FERRY_CONTAINER_CONTAINS = 1 << 3,
  FERRY_CONTAINER_LENGTH = 1 << 4,
  FERRY_CONTAINER_LIST = 1 << 5, /* whose changes can be followed */
  FERRY_CONTAINER_ALL = (1 << 6) - 1,
} FerryContainerFlags;

/* What the flags of the container say has no place in it. Fails with FERRY_ERROR_PROTOCOL. Returns
 * (transfer full). */
GDBusInterfaceInfo *ferry_description_to_info (GVariant *description, GError **error);

G_END_DECLS
