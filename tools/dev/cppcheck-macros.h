/* Loops of libraries whose headers cppcheck does not read, written out for it. Used by ./dev lint cppcheck only. */
#define json_array_foreach(array, index, value) \
	for (index = 0; index < json_array_size(array) && (value = json_array_get(array, index)) != NULL; index++)
#define json_object_foreach(object, key, value) \
	for (key = json_object_iter_key(json_object_iter(object)); key != NULL && (value = json_object_get(object, key)) != NULL; \
		key = json_object_iter_key(json_object_iter_next(object, json_object_key_to_iter(key))))
#define json_object_foreach_safe(object, next, key, value) \
	for (key = json_object_iter_key(next = json_object_iter(object)); key != NULL && (value = json_object_get(object, key)) != NULL; \
		key = json_object_iter_key(next = json_object_iter_next(object, next)))
#define HASH_ITER(handle, head, item, next) \
	for ((item) = (head), (next) = (item) ? (item)->handle.next : NULL; (item) != NULL; (item) = (next), (next) = (item) ? (item)->handle.next : NULL)
