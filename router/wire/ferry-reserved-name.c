/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names that users may not take, as the library's own protocols have them. Any thread. */

#include "config.h"

#include "wire/ferry-reserved-name-private.h"

#include "wire/ferry-object-message-private.h"

const char *
ferry_name_in_words (const char *name)
{
  static const struct
  {
    const char *name;
    const char *words;
  } reserved[] = {
    {FERRY_OBJECT_METHOD_VIEW, "a chain of operations"},
    {FERRY_OBJECT_METHOD_WATCH, "the state of an exporter"},
    {FERRY_OBJECT_METHOD_DESCRIBE, "the description of an object"},
    {FERRY_OBJECT_METHOD_FOLLOW, "the changes of an object"},
    {FERRY_OBJECT_METHOD_RELEASE, "references to objects"},
    {FERRY_CHANNEL_METHOD, "the messages of a channel"},
    {FERRY_MAP_FUNCTION, "a part of a map"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++)
    if (g_str_equal (name, reserved[i].name))
      return reserved[i].words;
  return name;
}
