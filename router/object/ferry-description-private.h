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
 * (empty for an object), access; signals: name, arguments; FerryContainerFlags. An argument has a name, which may be
 * empty, and a type. */
#define FERRY_DESCRIPTION_TYPE "(sa(sa(ss)a(ss))a(ssu)a(sa(ss))u)"
/* The most members of a kind that an interface or a description has. */
#define FERRY_DESCRIPTION_MAX_MEMBERS 1024

/* The operations that a container offers. */
typedef enum
{
  FERRY_CONTAINER_GET_ITEM = 1 << 0,
  FERRY_CONTAINER_SET_ITEM = 1 << 1,
  FERRY_CONTAINER_DELETE_ITEM = 1 << 2,
  FERRY_CONTAINER_CONTAINS = 1 << 3,
  FERRY_CONTAINER_LENGTH = 1 << 4,
  FERRY_CONTAINER_LIST = 1 << 5, /* the container is a list: its changes can be followed */
  FERRY_CONTAINER_ALL = (1 << 6) - 1,
} FerryContainerFlags;

/* Returns (transfer full): the description in GIO's form, which does not have the container's flags. Fails with
 * FERRY_ERROR_PROTOCOL. */
GDBusInterfaceInfo *ferry_description_to_info (GVariant *description, GError **error);

G_END_DECLS
