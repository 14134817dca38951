<%@ page contentType="text/plain" session="true" %>session <%= session.getId() %>
