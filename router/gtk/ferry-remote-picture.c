/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The newest of the pictures that a worker sends, as a paintable.
 *
 * Threads:    the one that runs GTK, which is the receiver's.
 * Trust:      a frame is described by its worker. Size, stride and format are held against the number of bytes before
 *             anything is made of them. What does not fit is an error that the widget shows.
 * Invariants: one frame waits at most, and a newer one takes its place, so the worker has its memory back. A texture is
 *             made in the widget's next frame, and never while the widget is not mapped. */

#include "config.h"

#include "gtk/ferry-remote-picture.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-translation-private.h"

#define PICTURE_PAGE "picture"
#define ERROR_PAGE "error"

/* The longest side of a picture, which each renderer can show. */
#define MAX_SIDE 16384

/**
 * FerryRemotePicture:
 *
 * Shows the pictures that a worker sends as buffers.
 *
 * Each buffer carries a description of its frame, of the type `(uu)` or `(uuus)`: the width and the height in pixels,
 * the number of bytes from one row to the next, and the name of the format. The names are those of
 * [enum@Gdk.MemoryFormat], such as `r8g8b8` and `r8g8b8a8-premultiplied`. Without stride and name the rows follow each
 * other, and a pixel is a #guint32 as in cairo: `0xAARRGGBB`, with the colours multiplied by alpha.
 *
 * The widget shows the newest frame, in the frames of its window. A frame that comes while another one waits takes its
 * place. While the widget is not mapped, it makes no textures. Where the worker is trusted
 * ([property@Ferry.Launcher:trusted]), the texture is the worker's memory, which is given back when the next frame is
 * shown.
 *
 * A frame that is not what it says is not shown: the widget says so in words, until the next good one.
 *
 * # CSS nodes
 *
 * The widget is a `remotepicture` with a `picture`.
 */
struct _FerryRemotePicture
{
  GtkWidget parent_instance;

  FerryReceiver *receiver; /* (nullable) */
  GVariant *frame;         /* (nullable) (owned): of the bytes that wait */
  GBytes *bytes;           /* (nullable) (owned): wait to be shown; NULL while nothing does */
  guint tick;
  GdkTexture *texture; /* (nullable) */
  GError *error;       /* (nullable): of the newest frame */
  char *alternative_text;

  GtkWidget *stack;
  GtkWidget *picture;
  GtkWidget *label;
};

enum
{
  PROP_RECEIVER = 1,
  PROP_TEXTURE,
  PROP_ERROR,
  PROP_ALTERNATIVE_TEXT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryRemotePicture, ferry_remote_picture, GTK_TYPE_WIDGET)

/* ---- frames ---- */

typedef struct
{
  guint width, height, stride;
  GdkMemoryFormat format;
} Frame;

/* The numbers of bytes of a pixel, and of each of its values. 0 for formats that are not known here. */
static guint
get_pixel_size (GdkMemoryFormat format, guint *value_size)
{
  static const struct
  {
    guint8 pixel, value;
  } sizes[] = {
    [GDK_MEMORY_B8G8R8A8_PREMULTIPLIED] = {4, 1},
    [GDK_MEMORY_A8R8G8B8_PREMULTIPLIED] = {4, 1},
    [GDK_MEMORY_R8G8B8A8_PREMULTIPLIED] = {4, 1},
    [GDK_MEMORY_B8G8R8A8] = {4, 1},
    [GDK_MEMORY_A8R8G8B8] = {4, 1},
    [GDK_MEMORY_R8G8B8A8] = {4, 1},
    [GDK_MEMORY_A8B8G8R8] = {4, 1},
    [GDK_MEMORY_R8G8B8] = {3, 1},
    [GDK_MEMORY_B8G8R8] = {3, 1},
    [GDK_MEMORY_R16G16B16] = {6, 2},
    [GDK_MEMORY_R16G16B16A16_PREMULTIPLIED] = {8, 2},
    [GDK_MEMORY_R16G16B16A16] = {8, 2},
    [GDK_MEMORY_R16G16B16_FLOAT] = {6, 2},
    [GDK_MEMORY_R16G16B16A16_FLOAT_PREMULTIPLIED] = {8, 2},
    [GDK_MEMORY_R16G16B16A16_FLOAT] = {8, 2},
    [GDK_MEMORY_R32G32B32_FLOAT] = {12, 4},
    [GDK_MEMORY_R32G32B32A32_FLOAT_PREMULTIPLIED] = {16, 4},
    [GDK_MEMORY_R32G32B32A32_FLOAT] = {16, 4},
  };

  if ((guint) format >= G_N_ELEMENTS (sizes))
    return 0;
  *value_size = sizes[format].value;
  return sizes[format].pixel;
}

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, format, arguments);
  va_end (arguments);
  return FALSE;
}

static gboolean
find_format (const char *name, GdkMemoryFormat *format, GError **error)
{
  g_autoptr (GEnumClass) formats = g_type_class_ref (GDK_TYPE_MEMORY_FORMAT);
  const GEnumValue *value = g_enum_get_value_by_nick (formats, name);
  guint value_size;

  if (value == NULL || get_pixel_size ((GdkMemoryFormat) value->value, &value_size) == 0)
    return fail (error, _ ("There is no picture format of the name '%s'"), name);
  *format = (GdkMemoryFormat) value->value;
  return TRUE;
}

static gboolean
check_frame (const Frame *frame, gsize size, GError **error)
{
  guint value_size = 1, pixel_size = get_pixel_size (frame->format, &value_size);

  if (frame->width == 0 || frame->height == 0 || frame->width > MAX_SIDE || frame->height > MAX_SIDE)
    return fail (error, _ ("A picture has sides of 1 to %u pixels, and not %u x %u"), MAX_SIDE, frame->width,
                 frame->height);
  if (frame->stride < frame->width * pixel_size || frame->stride % value_size != 0)
    return fail (error, _ ("%u bytes a row do not fit %u pixels of %u bytes"), frame->stride, frame->width, pixel_size);
  if ((guint64) frame->stride * frame->height > size)
    return fail (error, _ ("%u rows of %u bytes are more than the %lu bytes that came"), frame->height, frame->stride,
                 (gulong) size);
  return TRUE;
}

static gboolean
read_frame (GVariant *description, Frame *frame, GError **error)
{
  const char *name;

  frame->format = GDK_MEMORY_DEFAULT;
  if (description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE ("(uu)")))
    {
      g_variant_get (description, "(uu)", &frame->width, &frame->height);
      frame->stride = frame->width <= MAX_SIDE ? frame->width * 4 : 0;
      return TRUE;
    }
  if (description == NULL || !g_variant_is_of_type (description, G_VARIANT_TYPE ("(uuus)")))
    return fail (error, _ ("A picture is described by '(uu)' or '(uuus)', and not by '%s'"),
                 description != NULL ? g_variant_get_type_string (description) : "");
  g_variant_get (description, "(uuu&s)", &frame->width, &frame->height, &frame->stride, &name);
  return find_format (name, &frame->format, error);
}

/**
 * ferry_remote_picture_make_texture:
 * @frame: (nullable): what describes the picture, see [class@FerryGtk.RemotePicture]
 * @bytes: the bytes of the picture
 * @error: return location for an error, or %NULL
 *
 * Makes a texture of a picture that another process describes. The texture keeps the bytes, and copies nothing unless
 * they lie where the format cannot. Any thread.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS where the description is not one of a picture, or there are too few bytes for
 * it.
 *
 * Returns: (transfer full): a new texture
 */
GdkTexture *
ferry_remote_picture_make_texture (GVariant *frame, GBytes *bytes, GError **error)
{
  Frame checked;

  g_return_val_if_fail (bytes != NULL, NULL);

  if (!read_frame (frame, &checked, error) || !check_frame (&checked, g_bytes_get_size (bytes), error))
    return NULL;
  return gdk_memory_texture_new ((int) checked.width, (int) checked.height, checked.format, bytes, checked.stride);
}

/* ---- what is shown ---- */

static void
show_error (FerryRemotePicture *self)
{
  g_autofree char *words = g_strdup_printf ("%s\n%s", _ ("The picture cannot be shown"), self->error->message);

  gtk_label_set_text (GTK_LABEL (self->label), words);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), ERROR_PAGE);
}

/* The frame that waits is shown, and what was shown is dropped. */
static void
show_frame (FerryRemotePicture *self)
{
  g_autoptr (GVariant) frame = g_steal_pointer (&self->frame);
  g_autoptr (GBytes) bytes = g_steal_pointer (&self->bytes);
  gboolean had_error = self->error != NULL;

  g_object_freeze_notify (G_OBJECT (self));
  g_clear_error (&self->error);
  g_clear_object (&self->texture);
  self->texture = ferry_remote_picture_make_texture (frame, bytes, &self->error);
  gtk_picture_set_paintable (GTK_PICTURE (self->picture), GDK_PAINTABLE (self->texture));
  if (self->error != NULL)
    show_error (self);
  else
    gtk_stack_set_visible_child_name (GTK_STACK (self->stack), PICTURE_PAGE);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEXTURE]);
  if (had_error || self->error != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
  g_object_thaw_notify (G_OBJECT (self));
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryRemotePicture *self = FERRY_REMOTE_PICTURE (widget);

  self->tick = 0;
  show_frame (self);
  return G_SOURCE_REMOVE;
}

static void
show_in_turn (FerryRemotePicture *self)
{
  if (self->bytes != NULL && self->tick == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
forget_frame (FerryRemotePicture *self)
{
  g_clear_pointer (&self->frame, g_variant_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
}

static void
buffer_cb (FerryRemotePicture *self, GVariant *frame, GBytes *bytes)
{
  forget_frame (self);
  self->frame = frame != NULL ? g_variant_ref (frame) : NULL;
  self->bytes = g_bytes_ref (bytes);
  show_in_turn (self);
}

/* ---- the object ---- */

static void
ferry_remote_picture_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ferry_remote_picture_parent_class)->map (widget);
  show_in_turn (FERRY_REMOTE_PICTURE (widget));
}

static void
end_tick (FerryRemotePicture *self)
{
  if (self->tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
}

static void
ferry_remote_picture_unmap (GtkWidget *widget)
{
  end_tick (FERRY_REMOTE_PICTURE (widget));
  GTK_WIDGET_CLASS (ferry_remote_picture_parent_class)->unmap (widget);
}

static void
set_receiver (FerryRemotePicture *self, FerryReceiver *receiver)
{
  if (self->receiver == receiver)
    return;
  if (self->receiver != NULL)
    g_signal_handlers_disconnect_by_data (self->receiver, self);
  end_tick (self);
  forget_frame (self);
  g_set_object (&self->receiver, receiver);
  if (receiver != NULL)
    g_signal_connect_object (receiver, "buffer", G_CALLBACK (buffer_cb), self, G_CONNECT_SWAPPED);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RECEIVER]);
}

static void
set_alternative_text (FerryRemotePicture *self, const char *text)
{
  if (g_strcmp0 (self->alternative_text, text) == 0)
    return;
  g_free (self->alternative_text);
  self->alternative_text = g_strdup (text);
  gtk_picture_set_alternative_text (GTK_PICTURE (self->picture), text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, text != NULL ? text : "", -1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ALTERNATIVE_TEXT]);
}

static void
ferry_remote_picture_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryRemotePicture *self = FERRY_REMOTE_PICTURE (object);

  switch (property_id)
    {
    case PROP_RECEIVER:
      g_value_set_object (value, self->receiver);
      break;
    case PROP_TEXTURE:
      g_value_set_object (value, self->texture);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_ALTERNATIVE_TEXT:
      g_value_set_string (value, self->alternative_text);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_remote_picture_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryRemotePicture *self = FERRY_REMOTE_PICTURE (object);

  switch (property_id)
    {
    case PROP_RECEIVER:
      set_receiver (self, g_value_get_object (value));
      break;
    case PROP_ALTERNATIVE_TEXT:
      set_alternative_text (self, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_remote_picture_dispose (GObject *object)
{
  FerryRemotePicture *self = FERRY_REMOTE_PICTURE (object);

  end_tick (self);
  forget_frame (self);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->texture);
  g_clear_object (&self->receiver);
  G_OBJECT_CLASS (ferry_remote_picture_parent_class)->dispose (object);
}

static void
ferry_remote_picture_finalize (GObject *object)
{
  FerryRemotePicture *self = FERRY_REMOTE_PICTURE (object);

  g_clear_error (&self->error);
  g_free (self->alternative_text);
  G_OBJECT_CLASS (ferry_remote_picture_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * FerryRemotePicture:receiver:
   *
   * What the pictures come from; %NULL for nothing. The widget does not close the pipe.
   */
  properties[PROP_RECEIVER] = g_param_spec_object ("receiver", NULL, NULL, FERRY_TYPE_RECEIVER, settable);
  /**
   * FerryRemotePicture:texture:
   *
   * The picture that is shown; %NULL for none. Who keeps it keeps the worker's memory.
   */
  properties[PROP_TEXTURE] = g_param_spec_object ("texture", NULL, NULL, GDK_TYPE_TEXTURE, readable);
  /**
   * FerryRemotePicture:error:
   *
   * Why the newest frame is not shown; %NULL where it is.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable);
  /**
   * FerryRemotePicture:alternative-text:
   *
   * What the picture shows, in words, for users who do not see it; %NULL for nothing.
   */
  properties[PROP_ALTERNATIVE_TEXT] = g_param_spec_string ("alternative-text", NULL, NULL, NULL, settable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_remote_picture_class_init (FerryRemotePictureClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_remote_picture_get_property;
  object_class->set_property = ferry_remote_picture_set_property;
  object_class->dispose = ferry_remote_picture_dispose;
  object_class->finalize = ferry_remote_picture_finalize;
  widget_class->map = ferry_remote_picture_map;
  widget_class->unmap = ferry_remote_picture_unmap;
  install_properties (object_class);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "remotepicture");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
ferry_remote_picture_init (FerryRemotePicture *self)
{
  ferry_look_ensure_styles (GTK_WIDGET (self));
  self->stack = gtk_stack_new ();
  self->picture = gtk_picture_new ();
  self->label = g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_ALERT, "wrap", TRUE, "wrap-mode",
                              PANGO_WRAP_WORD_CHAR, "justify", GTK_JUSTIFY_CENTER, NULL);
  gtk_widget_add_css_class (self->label, "error");
  gtk_stack_add_named (GTK_STACK (self->stack), self->picture, PICTURE_PAGE);
  gtk_stack_add_named (GTK_STACK (self->stack), self->label, ERROR_PAGE);
  gtk_widget_set_parent (self->stack, GTK_WIDGET (self));
}

/**
 * ferry_remote_picture_new:
 * @receiver: (nullable): the receiver of a pipe that carries buffers
 *
 * Makes a widget that shows the newest of the pictures that come. On the thread that runs GTK, which must be the
 * router's.
 *
 * Returns: (transfer floating): a new widget
 */
GtkWidget *
ferry_remote_picture_new (FerryReceiver *receiver)
{
  g_return_val_if_fail (receiver == NULL || FERRY_IS_RECEIVER (receiver), NULL);

  return g_object_new (FERRY_TYPE_REMOTE_PICTURE, "receiver", receiver, NULL);
}
